"""The run's report: one HTML page that needs nothing else."""

from gancli.artifacts.report.page import outcome, report_page, write_report

__all__ = ["outcome", "report_page", "write_report"]
