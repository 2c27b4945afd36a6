"""Triggers by which the database itself refuses to change what was written once.

The audit takes neither updates nor deletes. A decision may lose its links (person, run)
when those rows go, and go with its question; what it says stays as it was said.
"""

from django.db import connections, transaction

AUDIT = "workflows_auditentry"
DECISION = "workflows_decision"
SAID = (
    *("interrupt_id", "round", "kind", "person_name", "channel", "reason"),
    *("answer", "original", "edits", "checkpoint", "start_at", "created_at"),
)
AUDIT_TEXT = "audit entries are only added, never changed or removed"
DECISION_TEXT = "a decision is never changed; take it back or decide the next round"


def ensure_triggers(using: str = "default", **_: object) -> None:
    """Make the triggers anew; runs after every migrate, since changing a table drops them."""
    connection = connections[using]
    if AUDIT not in connection.introspection.table_names():
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in _drops(connection.vendor) + _creates(connection.vendor):
            cursor.execute(statement)


def drop_triggers(using: str = "default") -> None:
    """Take them out again; tests empty their tables."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in _drops(connection.vendor):
            cursor.execute(statement)


def _drops(vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [
            f"DROP TRIGGER IF EXISTS audit_append_only ON {AUDIT}",
            f"DROP TRIGGER IF EXISTS decision_as_said ON {DECISION}",
        ]
    names = ("audit_no_update", "audit_no_delete", "decision_as_said")
    return [f"DROP TRIGGER IF EXISTS {name}" for name in names]


def _creates(vendor: str) -> list[str]:
    if vendor == "postgresql":
        changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in SAID)
        return [
            "CREATE OR REPLACE FUNCTION durableweb_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = "
            "'restrict_violation'; END $$",
            f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {AUDIT} "
            f"FOR EACH ROW EXECUTE FUNCTION durableweb_refuse('{AUDIT_TEXT}')",
            f"CREATE TRIGGER decision_as_said BEFORE UPDATE ON {DECISION} FOR EACH ROW "
            f"WHEN ({changed}) EXECUTE FUNCTION durableweb_refuse('{DECISION_TEXT}')",
        ]
    changed = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in SAID)
    refuse = "BEGIN SELECT RAISE(ABORT, '{}'); END"
    return [
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {AUDIT} "
        + refuse.format(AUDIT_TEXT),
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {AUDIT} "
        + refuse.format(AUDIT_TEXT),
        f"CREATE TRIGGER decision_as_said BEFORE UPDATE ON {DECISION} "
        f"WHEN {changed} " + refuse.format(DECISION_TEXT),
    ]
