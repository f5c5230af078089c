"""What `amltui doctor` looks at: this machine, its engine, the network, the workspace."""
