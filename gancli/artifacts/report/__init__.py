"""The run's report: one HTML page that needs nothing else."""

from gancli.artifacts.report.page import finished_metrics, report_page, write_report

__all__ = ["finished_metrics", "report_page", "write_report"]
