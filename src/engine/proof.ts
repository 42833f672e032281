/**
 * What a stage that proves the whole found when it looked. The engine only carries it; whoever made it knows what else
 * stands in it.
 */
export interface Proof {
  /** Whether all is as it should be. */
  readonly healthy: boolean;
}
