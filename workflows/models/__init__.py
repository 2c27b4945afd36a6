"""The tables: columns, constraints and querysets; nothing that changes two tables."""

from workflows.models.api_token import ApiToken
from workflows.models.approval_link import ApprovalLink
from workflows.models.audit import AuditEntry
from workflows.models.bulk import BulkItem, BulkOrder
from workflows.models.cache_entry import CacheEntry
from workflows.models.checkpoint import ChannelValue, Checkpoint, PendingWrite
from workflows.models.child import Child
from workflows.models.comment import Comment
from workflows.models.decision import Decision
from workflows.models.draft import Draft
from workflows.models.event import Event
from workflows.models.interrupt import Interrupt
from workflows.models.item import Item
from workflows.models.label import CheckpointLabel
from workflows.models.notice import Notice
from workflows.models.outbox import Delivery
from workflows.models.policy import Policy
from workflows.models.preference import Preference
from workflows.models.presence import Presence
from workflows.models.question_field import QuestionField
from workflows.models.reopening import Reopening
from workflows.models.run import Run
from workflows.models.saved_view import SavedView
from workflows.models.schedule import Schedule, Tick
from workflows.models.sent_update import SentUpdate
from workflows.models.signal import Awaited, Emitted, Signal
from workflows.models.thread import Thread
from workflows.models.thread_attribute import ThreadAttribute
from workflows.models.undo import Undo
from workflows.models.vote import Vote
from workflows.models.webhook import Webhook
from workflows.models.worker import Worker

__all__ = [
    "ApiToken",
    "ApprovalLink",
    "AuditEntry",
    "Awaited",
    "BulkItem",
    "BulkOrder",
    "CacheEntry",
    "ChannelValue",
    "Checkpoint",
    "CheckpointLabel",
    "Child",
    "Comment",
    "Decision",
    "Delivery",
    "Draft",
    "Emitted",
    "Event",
    "Interrupt",
    "Item",
    "Notice",
    "PendingWrite",
    "Policy",
    "Preference",
    "Presence",
    "QuestionField",
    "Reopening",
    "Run",
    "SavedView",
    "Schedule",
    "SentUpdate",
    "Signal",
    "Thread",
    "ThreadAttribute",
    "Tick",
    "Undo",
    "Vote",
    "Webhook",
    "Worker",
]
