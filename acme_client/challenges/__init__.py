"""challenges: the proofs a CA may ask for, one file each."""
