/**
 * The result of a stage that checks the whole deployment. The engine only passes it on; the code that made it knows
 * what else it contains.
 */
export interface Proof {
  /** Whether everything is as it should be. */
  readonly healthy: boolean;
}
