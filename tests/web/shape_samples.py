"""One question of each shape, with what a person types and what the workflow gets."""

ORDER = {
    "$defs": {
        "Address": {
            "type": "object",
            "properties": {"street": {"type": "string"}},
            "required": ["street"],
        },
        "Part": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            },
            "required": ["name"],
        },
    },
    "type": "object",
    "properties": {
        "verdict": {"enum": ["accept", "decline", "needs_changes", "ignore"]},
        "comment": {"type": "string"},
        "customer": {"type": "string", "minLength": 2},
        "count": {"type": "integer", "default": 3},
        "kind": {"enum": ["goods", "service"]},
        "speed": {
            "oneOf": [{"const": 1, "title": "Slow"}, {"const": 2, "title": "Fast"}]
        },
        "version": {"const": "2"},
        "due": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "time"},
        "sent": {"type": "string", "format": "date-time"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "home": {"$ref": "#/$defs/Address"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Address"}},
        "whole": {"$ref": "#/$defs/Part"},
        "pay": {
            "oneOf": [
                {
                    "title": "Card",
                    "type": "object",
                    "properties": {
                        "by": {"const": "card"},
                        "number": {"type": "string"},
                    },
                    "required": ["by", "number"],
                },
                {
                    "title": "Bank",
                    "type": "object",
                    "properties": {"by": {"const": "bank"}, "iban": {"type": "string"}},
                    "required": ["by", "iban"],
                },
            ],
            "discriminator": {"propertyName": "by"},
        },
    },
    "required": [
        *("verdict", "customer", "kind", "speed", "version", "due", "at", "sent"),
        *("note", "home", "lines", "pay"),
    ],
}
ORDERED = {
    "title": "Take the order?",
    "proposed": {
        "customer": "Ada",
        "kind": "goods",
        "home": {"street": "Low 1"},
        "lines": [{"street": "A"}, {"street": "B"}],
        "pay": {"by": "bank", "iban": "DE02"},
    },
}
FILLED = {
    "v/customer": "Ada Lovelace",
    "v/count": "4",
    "v/kind": "1",
    "v/speed": "1",
    "v/due": "2026-12-01",
    "v/at": "14:30",
    "v/sent": "2026-12-01T10:00",
    "v/note": "",
    "v/home/street": "High 2",
    "v/lines/~n": "2",
    "v/lines/0/street": "A",
    "v/lines/0/~from": "0",
    "v/lines/1/street": "B",
    "v/lines/1/~from": "1",
    "v/pay": "0",
    "v/pay/~b0/number": "4711",
}
VALUE = {
    "customer": "Ada Lovelace",
    "count": 4,
    "kind": "service",
    "speed": 2,
    "version": "2",
    "due": "2026-12-01",
    "at": "14:30:00",
    "sent": "2026-12-01T10:00:00+00:00",
    "note": None,
    "home": {"street": "High 2"},
    "lines": [{"street": "A"}, {"street": "B"}],
    "pay": {"by": "card", "number": "4711"},
}
TOOL = {
    "type": "tool_approval",
    "tool_call_id": "1",
    "name": "pay",
    "args": {"eur": 5},
    "description": "Pay *five* euros?",
}
BATCH = {
    "action_requests": [
        {"name": "send", "args": {"to": "Ada"}},
        {"name": "delete", "args": {"id": 7}},
        {"name": "call", "args": {"nr": 1}},
    ],
    "review_configs": [
        {"action_name": "delete", "allowed_decisions": ["approve", "reject"]}
    ],
}
INBOX = {
    "action_request": {"action": "mail", "args": {"to": "Ann"}},
    "config": {
        "allow_accept": True,
        "allow_edit": True,
        "allow_respond": True,
        "allow_ignore": True,
    },
    "description": "Send it?",
}
