package squall.checker.lint;

/** What TornadoVM 5.2.0 refuses or, worse, miscompiles, and what to write instead. */
public enum Rule {
    UNSIGNED_SHIFT("'>>>' is compiled to a signed shift", "(x >> n) & mask"),
    ROTATE("rotations are built on '>>>' and come out wrong", "two shifts with masks"),
    POWER_OF_TWO_DIVISION("'/' or '%' of a possibly negative value by a power of two comes out wrong",
            "keep the value non-negative, or write (x >> n) and (x & (n - 1))"),
    UNSIGNED_INTERMEDIATE("a byte or short widened with & 0xFF or & 0xFFFF becomes an unsigned variable, which must not turn negative",
            "keep a nibble's byte signed, (b & 15) - 8, or go to float first, (float) (b & 0xFF) - 128f"),
    MIXED_SIGNS("min or max of a widened (unsigned) and a signed int does not compile", "compare floats, or keep both signed"),
    BF16_MASK("'& 0xFFFF' right after bf16FromFloat stays a signed short", "store the short into a ShortArray and load it again"),
    BIT_CAST("bit casts between int and float are not implemented", "a table, or store the int's float straight into a FloatArray"),
    HALF_CAST("float16ToFloat gives the integer's value", "HalfFloatArray or ByteArray.getHalfFloat on a GPU, a table elsewhere"),
    NOT_COMPILED("this call is not known to compile", "TornadoMath, or arithmetic of one's own"),
    EARLY_RETURN("a helper that returns from inside a loop gives a wrong value", "one return, a result variable and a flag"),
    TWO_PARALLEL_LOOPS("only one nest of @Parallel loops works: the second is mapped to another dimension", "a task for each nest"),
    BACKWARD_PARALLEL_LOOP("a @Parallel loop that runs backwards is refused", "count upwards and turn the index round"),
    CARRIED_BY_PARALLEL_LOOP("a variable carries its value from one turn of a @Parallel loop to the next",
            "declare it inside the loop; on a device each turn has its own"),
    RECURSION("recursion makes the compiler hang", "a loop"),
    SIZE_AT_RUN_TIME("an array in a kernel needs a constant size", "a constant, or an int task parameter for a local array"),
    OBJECT_ARRAY("arrays of arrays or objects are refused", "one flat array of numbers"),
    STATIC_ARRAY("a static array is refused", "pass it as an argument"),
    STATIC_STATE("a static field that can change is read once, when the kernel is compiled", "pass it in an IntArray or FloatArray"),
    THROW("exceptions are refused", "write a flag into an array"),
    OUTPUT("printing is refused", "write into an array"),
    LAMBDA("lambdas, method references and string concatenation are refused inside kernels", "a static helper"),
    NAME("a kernel named like a built-in function of OpenCL crashes the JVM", "a name that starts with k and a capital, kRmsNorm"),
    PARAMETER_NAME("a parameter keeps its name in the generated code, where this is a word of the language", "another name"),
    LOCAL_ARRAY_TO_HELPER("a local array handed to a helper is read at wrong places", "write the loop into the kernel itself"),
    LOCAL_ARRAY_VIEW("a local array seen as another type must not be loaded from or stored to", "only tensor-core calls may have it"),
    PRIVATE_ARRAY_VIEW("an array of a work-item's own seen as another type stops the compiler with a GraalError", "a local array"),
    BYTE_LOCAL_ARRAY("local byte arrays lose elements", "allocateIntLocalArray"),
    FRAGMENT_ELEMENT("elements of a tensor-core fragment cannot be read", "mmaStore into local memory, then read that"),
    FRAGMENT_VIEW("a fragment seen as HalfFloat[] stops the compiler, which forgets the view and keeps the check of its type",
            "an array of a class of one's own that extends HalfFloat"),
    CARRIED_PAST_LOOP_BRANCH("a variable is carried through an if/else in which a branch ends in a loop: it may be overwritten after the merge",
            "recompute it after the if/else, or make the branch part of the loop's bound"),
    CONDITION_IN_LOOP_TEST("a conditional expression in a loop's test makes the compiler drop what stands behind the loop",
            "settle the bound in a variable before the loop"),
    RETURN_BEFORE_BARRIER("a return before a barrier: PoCL runs work-items through loops that they should not reach",
            "loop bounds of zero, int size = row < rows ? width : 0, and a guard around what is written"),
    LOCAL_STORE_IN_LOOP_BRANCH("what a branch that holds a loop stores to local memory is lost by PoCL 3.1",
            "let all work-items store, or make the branch part of the loop's bound"),
    OR_OF_AND("'a || (b && c)' is compiled with the inner condition negated", "integer arithmetic: (a | (b & c)) != 0 on flags"),
    NAN("a NaN constant does not compile", "compare x != x, or use an infinity"),
    REDUCE("@Reduce gives wrong sums", "a reduction with a KernelContext and a tree in local memory"),
    NOT_STATIC("a kernel is a static method without captured values", "a method reference to a static method"),
    CONTROL("exception handlers, monitors and instanceof are refused", "plain control flow"),
    VECTOR_AND_NUMBER("a Float8 combined with a number is taken for an earlier one where a loop is unrolled",
            "a vector of equal numbers, new Float8(x, x, x, x, x, x, x, x)"),
    NEW_OBJECT("a kernel cannot make this object", "vector types, views of a FloatArray in vectors, and HalfFloat only"),
    NO_DEBUG_INFO("TornadoVM needs the table of local variables", "compile with javac -g");

    private final String what;
    private final String instead;

    Rule(String what, String instead) {
        this.what = what;
        this.instead = instead;
    }

    public String what() {
        return what;
    }

    public String instead() {
        return instead;
    }
}
