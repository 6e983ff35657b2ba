package uk.ac.manchester.tornado.api.enums;

/** Tile of one tensor-core product: rows, columns, depth. */
public enum MMAShape {
    M16N8K16, M16N8K32;

    public String getPtxName() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
