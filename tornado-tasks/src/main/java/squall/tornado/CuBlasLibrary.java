package squall.tornado;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** NVIDIA's library of products, which TornadoVM's CUDA backend calls where its SDK was built with it. */
final class CuBlasLibrary {
    private static final String MODULE = "tornado.cublas";
    /** Of the CUDA toolkits that SDKs are built with, the newest first. */
    private static final int[] VERSIONS = {13, 12};
    private static String why;
    private static boolean settled;

    private CuBlasLibrary() {}

    /** Why it cannot be called in this JVM, in one sentence, or null. Asked once: TornadoVM would load the same files. */
    static synchronized String whyMissing() {
        if (!settled) why = look();
        settled = true;
        return why;
    }

    /** The library's functions; null where it does not load. Where TornadoVM's bridge has brought it, it is the same one. */
    static SymbolLookup symbols() {
        return symbols("libcublas");
    }

    /** Those of the part of it whose caller chooses an algorithm; null where it does not load, or is none. */
    static SymbolLookup light() {
        SymbolLookup light = symbols("libcublasLt");
        return light != null && light.find("cublasLtMatmul").isPresent() ? light : null;
    }

    private static SymbolLookup symbols(String library) {
        for (int version : VERSIONS) {
            try {
                return SymbolLookup.libraryLookup(library + ".so." + version, Arena.global());
            } catch (IllegalArgumentException e) {
                // another one
            }
        }
        return null;
    }

    private static String look() {
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) return "the TornadoVM SDK was built without " + MODULE;
        String file = System.mapLibraryName("tornado-cublas");
        Path bridge = Stream.of(System.getProperty("java.library.path", "").split(File.pathSeparator)).map(folder -> Path.of(folder, file))
                .filter(Files::exists).findFirst().orElse(null);
        if (bridge == null) return "the TornadoVM SDK was built without cuBLAS, there is no " + file;
        try {
            SymbolLookup.libraryLookup(bridge, Arena.global());
            return symbols() == null ? "cuBLAS (libcublas.so.13) does not load by its name, though " + bridge + " does" : null;
        } catch (IllegalArgumentException e) {
            return bridge + " does not load; cuBLAS (libcublas.so.13) of the CUDA toolkit belongs on LD_LIBRARY_PATH";
        }
    }
}
