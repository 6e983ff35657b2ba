package squall.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Opens a checkpoint in whatever form the user named it. */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * Opens and checks a GGUF file (any part of a split one), a .safetensors file, or a directory that holds
     * model.safetensors, model.safetensors.index.json or exactly one GGUF. Nothing but headers is read.
     *
     * @throws ModelFileException if it is none of these or anything in it is not as it must be
     */
    public static ModelFile open(Path path) {
        if (!Files.exists(path)) throw new ModelFileException(path + ": there is no such file or directory.");
        return Files.isDirectory(path) ? openDirectory(path) : openFile(path);
    }

    private static ModelFile openFile(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".safetensors") || name.equals(Safetensors.INDEX) ? Safetensors.open(file, file) : Gguf.open(file);
    }

    private static ModelFile openDirectory(Path directory) {
        for (String name : List.of(Safetensors.SINGLE, Safetensors.INDEX)) {
            Path file = directory.resolve(name);
            if (Files.exists(file)) return Safetensors.open(directory, file);
        }
        List<Path> ggufs = ggufs(directory);
        if (ggufs.size() == 1) return Gguf.open(ggufs.getFirst());
        throw ModelFileException.mismatch(directory.toString(), "directory",
                Safetensors.SINGLE + ", " + Safetensors.INDEX + " or one GGUF file", ggufs.isEmpty() ? "none of them"
                : ggufs.size() + " GGUF files. Name one of them: " + String.join(", ",
                        ggufs.stream().limit(8).map(p -> p.getFileName().toString()).toList()));
    }

    /** GGUF files of language models: one entry for a split set, vision projectors left out. */
    private static List<Path> ggufs(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(p -> p.toString().endsWith(".gguf") && !p.getFileName().toString().startsWith("mmproj"))
                    .filter(p -> !Gguf.isLaterPart(p)).sorted().toList();
        } catch (IOException e) {
            throw new ModelFileException(directory + ": cannot be read: " + IoReason.of(e), e);
        }
    }
}
