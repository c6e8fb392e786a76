"""Every contract that is spoken now: what a partner may send, what the hub sends."""

from __future__ import annotations

from enum import StrEnum

from contracts.bends import (
    AssistanceRequest,
    CoordinationNotice,
    CoordinationRequest,
    CoordinationResult,
    DecisionNotice,
    Dispute,
    DisputeDecision,
    Duplicate,
    ExtensionDecision,
    ExtensionRequest,
    LateProofDecision,
    Recall,
    RecallNotice,
    Reminder,
    Resumption,
    SubDispatch,
    SuspensionDecision,
    SuspensionRequest,
    Void,
)
from contracts.messages import (
    Acceptance,
    Acknowledgement,
    Body,
    Closing,
    Dispatch,
    DispatchRequest,
    Feedback,
    Rejection,
    Report,
    Return,
    StatusNotice,
    Verification,
    VerificationRequest,
)

INBOUND: tuple[type[Body], ...] = (
    Report,
    Acceptance,
    Rejection,
    Duplicate,
    DispatchRequest,
    AssistanceRequest,
    Recall,
    Acknowledgement,
    Return,
    SubDispatch,
    ExtensionRequest,
    ExtensionDecision,
    SuspensionRequest,
    SuspensionDecision,
    Resumption,
    Dispute,
    DisputeDecision,
    CoordinationRequest,
    CoordinationResult,
    Feedback,
    LateProofDecision,
    Verification,
    Closing,
    Void,
)
"""What a partner may send."""

OUTBOUND: tuple[type[Body], ...] = (
    Dispatch,
    RecallNotice,
    CoordinationNotice,
    Reminder,
    DecisionNotice,
    VerificationRequest,
    StatusNotice,
)
"""What the hub sends."""

CONTRACTS: dict[str, type[Body]] = {model.contract: model for model in (*INBOUND, *OUTBOUND)}
"""Every live contract by its id, for example ``case.feedback/1.0``."""


class ContractVersion(StrEnum):
    """The versions that a unit may speak: those of the live contracts."""

    V1_0 = "1.0"
