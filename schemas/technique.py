"""Names of the MITRE ATLAS techniques that findings are tagged with."""

TECHNIQUES = {
    "AML.T0005.001": "Train Proxy via Replication",
    "AML.T0008.005": "AI Service Proxies",
    "AML.T0012": "Valid Accounts",
    "AML.T0013": "Discover AI Model Ontology",
    "AML.T0014": "Discover AI Model Family",
    "AML.T0021": "Establish Accounts",
    "AML.T0024": "Exfiltration via AI Inference API",
    "AML.T0024.000": "Infer Training Data Membership",
    "AML.T0024.001": "Invert AI Model",
    "AML.T0024.002": "Extract AI Model",
    "AML.T0034.000": "Excessive Queries",
    "AML.T0040": "AI Model Inference API Access",
    "AML.T0048.004": "AI Intellectual Property Theft",
    "AML.T0056": "Extract LLM System Prompt",
    "AML.T0063": "Discover AI Model Outputs",
    "AML.T0069": "Discover LLM System Information",
}
"""Technique id -> name (ATLAS 5.6.0, dist/ATLAS.yaml, May 2026)."""
