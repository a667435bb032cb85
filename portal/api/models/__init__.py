"""What goes over the wire, as the key vault's certificates API has it: every model, by its name there.

What comes in is read strictly by type and leniently by content: unknown and read-only fields are ignored, null counts
as absent. What goes out leaves absent fields away. The OpenAPI document is made from these models.
"""
