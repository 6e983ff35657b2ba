package squall.checker;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import squall.checker.lint.MethodCode;

/**
 * Rewrites kernels so that they tell {@link Probe} what they do: the line they are in, accesses to Java arrays, arrays
 * made, casts, and the turns of {@code @Parallel} loops. Arrays of the API watch themselves.
 */
final class Instrumenter {

    private static final ClassDesc PROBE = ClassDesc.of("squall.checker.Probe");
    private static final MethodTypeDesc OBJECT_INT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object, ConstantDescs.CD_int);
    private static final MethodTypeDesc OBJECT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object);
    private static final MethodTypeDesc INT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);
    private static final MethodTypeDesc INT_INT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int, ConstantDescs.CD_int);
    private static final MethodTypeDesc CAST = MethodTypeDesc.of(ConstantDescs.CD_Object, ConstantDescs.CD_Object, ConstantDescs.CD_Class);

    private Instrumenter() {
    }

    static byte[] instrument(byte[] classFile, ClassLoader loader) {
        ClassFile context = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(loader).orElse(ClassHierarchyResolver.defaultResolver())));
        ClassModel model = context.parse(classFile);
        return context.transformClass(model, ClassTransform.transformingMethods((builder, element) -> {
            if (element instanceof CodeModel code) {
                MethodModel method = code.parent().orElseThrow();
                builder.transformCode(code, new Body(model.thisClass().asInternalName(), method, code));
            } else {
                builder.with(element);
            }
        }));
    }

    /** One method on its way from the old class to the new one. */
    private static final class Body implements CodeTransform {

        private final MethodCode code;
        private final String className;
        private final String method;
        private int site;

        Body(String owner, MethodModel method, CodeModel body) {
            this.code = new MethodCode(owner, method, body);
            this.className = owner.replace('/', '.');
            this.method = method.methodName().stringValue();
        }

        @Override
        public void accept(CodeBuilder builder, CodeElement element) {
            switch (element) {
                case LineNumber line -> {
                    builder.with(line);
                    site = Sites.number(className, method, line.line());
                    tellSite(builder);
                }
                case LabelTarget target -> {
                    builder.with(target);
                    loops(builder, target);
                    tellSite(builder);
                }
                case ArrayLoadInstruction load -> {
                    builder.dup2().invokestatic(PROBE, "willLoad", OBJECT_INT).with(load);
                }
                case ArrayStoreInstruction store -> store(builder, store);
                case NewPrimitiveArrayInstruction array -> builder.with(array).dup().invokestatic(PROBE, "created", OBJECT);
                case TypeCheckInstruction check when check.opcode() == Opcode.CHECKCAST ->
                    builder.ldc(check.type().asSymbol()).invokestatic(PROBE, "cast", CAST).with(check);
                case InvokeInstruction call -> {
                    builder.with(call);
                    boolean mayMoveLine = !call.owner().asInternalName().startsWith("uk/ac/manchester/")
                            && !call.name().stringValue().equals("<init>");
                    if (mayMoveLine) {
                        tellSite(builder);
                    }
                }
                default -> builder.with(element);
            }
        }

        private void tellSite(CodeBuilder builder) {
            if (site != 0) {
                builder.loadConstant(site).putstatic(PROBE, "site", ConstantDescs.CD_int);
            }
        }

        private void loops(CodeBuilder builder, LabelTarget target) {
            for (int depth = 0; depth < code.parallelLoops().size(); depth++) {
                MethodCode.ParallelLoop loop = code.parallelLoops().get(depth);
                if (loop.endLabel().equals(target.label())) {
                    builder.loadConstant(depth).invokestatic(PROBE, "left", INT);
                }
                if (loop.startLabel().equals(target.label())) {
                    builder.loadConstant(depth).iload(loop.slot()).invokestatic(PROBE, "turn", INT_INT);
                }
            }
        }

        private static void store(CodeBuilder builder, ArrayStoreInstruction store) {
            TypeKind kind = store.typeKind();
            ClassDesc array = switch (kind) {
                case BYTE, BOOLEAN -> ConstantDescs.CD_Object;
                case REFERENCE -> ConstantDescs.CD_Object.arrayType();
                default -> kind.upperBound().arrayType();
            };
            ClassDesc value = switch (kind) {
                case BYTE, BOOLEAN, SHORT, CHAR -> ConstantDescs.CD_int;
                default -> kind.upperBound();
            };
            builder.invokestatic(PROBE, "store", MethodTypeDesc.of(ConstantDescs.CD_void, array, ConstantDescs.CD_int, value));
        }
    }
}
