"""Between requests and texts: the generator's inputs, writers, previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gancli.errors import UsageError
from gancli.modalities.text.config import JSON_LINES, TextConfig, TextSampleConfig
from gancli.modalities.text.generated import GeneratedText
from gancli.modalities.text.inputs import generator_inputs
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.writers import (
    Folder,
    Lines,
    as_json,
    encoded,
    escape,
    line,
    terminated,
)
from gancli.reporting import Reporter
from gancli.sampling.request import Inputs, Sample, SampleRequest
from gancli.sampling.target import Stdout, parse_target
from gancli.sampling.writer import Writer
from gancli.storage.files import write_file

_SUFFIXES = (".txt", ".text", *JSON_LINES, "")  # a name without one is that of a file of lines


@dataclass(frozen=True)
class TextCodec:
    """The :class:`gancli.sampling.codec.Codec` of text.

    Args:
        spec, config: Of the model.
    """

    spec: TextSpec
    config: TextConfig

    def inputs(self, requests: Sequence[SampleRequest], options: TextSampleConfig) -> Inputs:
        return generator_inputs(requests, self.spec, options)

    def writer(
        self, seeds: Sequence[int], options: TextSampleConfig, reporter: Reporter, stdout: Stdout,
        model: str,
    ) -> Writer:
        _check_prompt(options.prompt)
        self.inputs([SampleRequest(seeds[0])], options)  # refuses an unknown class or prompt
        writer = choose_writer(seeds, self.spec, options, stdout, model)
        if isinstance(writer, Lines) and writer.record is line and self.spec.split != "lines":
            reporter.note(
                "A sample is a line: breaks inside it are written as \\n. To keep them, give -0, "
                "--jsonl or -o DIR/."
            )
        return writer

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write a few texts, a line each."""
        decode = self.spec.tokenizer().decode
        texts = [GeneratedText.read(sample, decode).text for sample in samples]
        lines = "".join(escape(text) + "\n" for text in texts)
        write_file(path.with_name(path.name + ".txt"), encoded(lines))


def _check_prompt(prompt: str | None) -> None:
    if prompt == "":
        raise UsageError("--prompt is empty.", "Give the words to begin with, or leave it out.")
    if any("\ud800" <= character <= "\udfff" for character in prompt or ""):
        raise UsageError("--prompt is not valid UTF-8.", "Set the terminal to UTF-8.")


def choose_writer(
    seeds: Sequence[int], spec: TextSpec, options: TextSampleConfig, stdout: Stdout, model: str
) -> Writer:
    """Return the writer of the texts of seeds.

    Raises:
        UsageError: The options do not go together.
        GancliError: A file already exists.
    """
    target = parse_target(options, "texts", _SUFFIXES, stdout)
    if options.json_lines and options.null:
        raise UsageError(
            "-0 ends samples with NUL, but objects end with a newline.",
            "Leave -0 out: JSON keeps line breaks as they are." if options.jsonl
            else f"Leave -0 out, or give -o another suffix than {target.suffix}.",
        )
    decode = spec.tokenizer().decode
    if target.folder:
        for flag, given in (("--jsonl", options.jsonl), ("-0", options.null)):
            if given:
                raise UsageError(
                    f"{flag} writes all samples to one file, but -o {options.output} is a "
                    "directory.",
                    f"Leave {flag} out, or name a file.",
                )
        return Folder(seeds, target, decode)
    record = terminated if options.null else line
    if options.json_lines:
        return Lines(seeds, target, decode, as_json(spec.classes, model))
    return Lines(seeds, target, decode, record)
