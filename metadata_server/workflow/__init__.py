"""What the server does, step by step: every step is ordered so that a kill before or after it leaves something that
`workflow.recovery` completes. What is wanted stands in the database first; then the machine is made so."""
