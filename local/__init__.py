"""The local stack: template.yaml itself, deployed into an embedded AWS on this machine."""
