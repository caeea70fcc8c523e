"""Public notices: outages that the gateway finds by itself, what is withdrawn, and how a service ends (draft Art. 19; Order 21 Art. 20)."""
