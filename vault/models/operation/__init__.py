"""The operation: one attempt to get one certificate version, its history, and the questions about many."""

from vault.models.operation.history import OperationStep
from vault.models.operation.operation import FIRST_WATCH, Operation
from vault.models.operation.queries import OperationQuerySet

__all__ = ["FIRST_WATCH", "Operation", "OperationQuerySet", "OperationStep"]
