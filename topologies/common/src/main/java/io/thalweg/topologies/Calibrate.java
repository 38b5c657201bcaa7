package io.thalweg.topologies;

/** Prints the number to pass to a WordCount as {@code iterationsPerMilli}. */
public final class Calibrate {
    private Calibrate() {}

    /** Measures this machine once. */
    public static void main(String[] arguments) {
        System.out.println(Work.calibrate());
    }
}
