"""The named rules by which a line may follow from the line before. Each module is one room: probability, gaussian, ..."""
