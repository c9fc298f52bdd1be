"""What is wrong with a lake, where, and which command mends it; reads only."""

from pipelines.doctor.case import Case
from pipelines.doctor.examining import Examination, examine
from pipelines.doctor.symptom import SEVERITIES, Symptom

__all__ = ["SEVERITIES", "Case", "Examination", "Symptom", "examine"]
