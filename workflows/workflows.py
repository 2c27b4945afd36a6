"""The workflows that the product brings itself, as the autodiscovery finds them."""

from workflows.services.desk import bulk_workflow

bulk_workflow.offer()
