//! Typed client of Ollama's HTTP API.
