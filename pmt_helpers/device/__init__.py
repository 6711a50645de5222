"""The device: a recorder of what training costs, its logs, and a model of the cost. Notebook 05.

Names are loaded on first use (PEP 562), so that recording does not pay for reading.
"""

from pmt_helpers.lazy import lazy

_HOME = {
    "Recorder": "recorder",
    "Log": "logs",
    "read_log": "logs",
    "read_logs": "logs",
    "series": "logs",
    "read_meter": "meter",
    "predict_seconds": "model",
    "predict_log": "model",
    "score_prediction": "model",
    "devices": "model",
    "instructions": "model",
    "device_from_log": "calibration",
    "fit_line": "fits",
    "fit_logs": "fits",
    "seconds_by_size": "fits",
    "time_by_phase": "phases",
    "predicted_parts": "phases",
    "forecast": "forecasts",
    "forecast_log": "forecasts",
    "training_energy": "energy",
    "upload_energy": "energy",
    "compare_energy": "energy",
    "raw_bytes": "energy",
    "memory_by_kernel": "memory",
    "seconds_an_iteration": "paper_times",
    "epochs_that_agree": "paper_times",
}
__all__, __getattr__, __dir__ = lazy(__name__, _HOME)
