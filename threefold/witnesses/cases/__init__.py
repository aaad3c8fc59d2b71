"""What witnesses of both kinds draw: chains and steps, codes, finite models; each with the edges it reaches."""
