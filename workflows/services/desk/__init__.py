"""The reviewer's desk: working together on questions, policies, drafts, notices, the audit."""
