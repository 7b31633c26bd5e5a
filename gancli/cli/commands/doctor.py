"""``gancli doctor``."""

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import columns

EXAMPLES = "gancli doctor"


def command(
    context: typer.Context, json_: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Check versions, devices, threads, the cache and the bundled files.

    Each problem comes with how to mend it. The exit status is 1 if there is one.
    """
    with speak(context, json_, quiet, verbose) as output:
        from gancli.cli.health import examine

        findings = examine()
        broken = [each for each in findings if each.problem]
        if output.mode == "json":
            output.result({
                "sound": not broken,
                "findings": [
                    {"name": each.name, "value": each.value, "ok": not each.problem,
                     "remedy": each.remedy}
                    for each in findings
                ],
            })
        else:
            output.data(*columns([
                ("PROBLEM" if each.problem else "ok", each.name,
                 f"{each.value}. {each.remedy}" if each.remedy else each.value)
                for each in findings
            ]))
            if not broken:
                output.note("Nothing is wrong.")
    if broken:
        raise typer.Exit(1)
