"""The docks: Qt and magicgui."""
