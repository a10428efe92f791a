"""What a picture shows at the spots, measured and made a modality."""
