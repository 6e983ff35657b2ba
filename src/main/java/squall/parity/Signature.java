package squall.parity;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import squall.layer.Block;
import squall.ops.Buf;
import squall.ops.Ops;
import squall.ops.Routing;
import squall.ops.Weight;
import squall.quant.Format;

/**
 * What kind of block a block is: its type, the operations it asks for and the formats of its weights. Blocks of one kind are
 * recorded alike.
 *
 * @param weights the first weight of each format
 */
record Signature(String name, List<String> operations, Map<Format, Weight> weights) {

    private record Width(int width) implements Buf {}

    static Signature of(String name, Block block, int dim) {
        List<String> operations = new ArrayList<>();
        Map<Format, Weight> weights = new LinkedHashMap<>();
        InvocationHandler note = (_, method, arguments) -> {
            if (method.getReturnType() == Buf.class) return new Width(arguments[0] instanceof Integer i ? i : dim);
            if (method.getReturnType() == Buf[].class)
                return Arrays.stream((Weight[]) arguments[0]).map(w -> new Width(w.rows())).toArray(Buf[]::new);
            Stream<Weight> used = Arrays.stream(arguments).flatMap(a -> a instanceof Weight[] all ? Arrays.stream(all) : Stream.of(a))
                    .filter(Weight.class::isInstance).map(Weight.class::cast);
            List<Weight> read = used.toList();
            read.forEach(w -> weights.putIfAbsent(w.format(), w));
            operations.add(method.getName() + read.stream().map(w -> " " + w.format()).collect(Collectors.joining()));
            return method.getReturnType() == Routing.class ? new Routing() {} : null;
        };
        Ops ops = (Ops) Proxy.newProxyInstance(Ops.class.getClassLoader(), new Class<?>[] {Ops.class}, note);
        block.forward(ops, new Width(dim));
        return new Signature(name, List.copyOf(operations), weights);
    }

    /** GatedAttention, Q4_K Q6_K. */
    String label() {
        return name + new TreeMap<>(weights).keySet().stream().map(Format::name).collect(Collectors.joining(" ", ", ", ""));
    }

    boolean isLike(Signature other) {
        return name.equals(other.name) && operations.equals(other.operations);
    }
}
