"""The named rules by which a line may follow from the line before. One module a subject: probability, gaussian, ..."""
