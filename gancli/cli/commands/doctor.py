"""``gancli doctor``."""

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import columns

EXAMPLES = "gancli doctor"


def command(
    context: typer.Context, json_: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Check versions, devices, the cache and the bundled files.

    Each problem comes with a remedy. The exit status is 1 if there is any.
    """
    with speak(context, json_, quiet, verbose) as output:
        from gancli.cli.health import examine

        findings = examine()
        broken = [finding for finding in findings if finding.problem]
        if output.mode == "json":
            output.result({
                "sound": not broken,
                "findings": [
                    {"name": finding.name, "value": finding.value, "ok": not finding.problem,
                     "remedy": finding.remedy}
                    for finding in findings
                ],
            })
        else:
            output.data(*columns([
                ("PROBLEM" if finding.problem else "ok", finding.name,
                 f"{finding.value}. {finding.remedy}" if finding.remedy else finding.value)
                for finding in findings
            ]))
            if not broken:
                output.note("No problems found.")
    if broken:
        raise typer.Exit(1)
