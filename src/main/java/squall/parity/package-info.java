/** Holds one player to another: operations, blocks, whole models, on random numbers. */
package squall.parity;
