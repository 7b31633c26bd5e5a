"""Paths and files in another Unicode form, or with a mark, than a person types."""

import codecs
import unicodedata


def test_a_path_in_another_unicode_form_is_found(call, tmp_path):
    composed, apart = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    for made, typed in ((composed, apart), (apart, composed)):
        run = tmp_path / made
        run.mkdir()
        (run / "config.toml").write_bytes(codecs.BOM_UTF8 + b"batch = 16\n[run]\n[spec]\n")
        (run / "lines.txt").write_text("one\ntwo\n")
        shown = call("info", typed)
        assert shown.status == 0 and "batch  16" in shown.out
        dry = call("train", "text", f"{typed}/lines.txt", "--config", f"{typed}/config.toml",
                   "--dry-run")
        assert dry.status == 0 and "batch = 16  # config file" in dry.out
        for each in run.iterdir():
            each.unlink()
        run.rmdir()
