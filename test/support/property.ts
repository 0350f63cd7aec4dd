/** Properties beside their examples: a test of vitest that lets fast-check look for what contradicts it. */
import * as fc from 'fast-check'
import { test } from 'vitest'

export { fc }

type Check<Values extends unknown[]> = (...values: Values) => unknown

/**
 * A test that asserts a property over these values; the seed stands in its name. Hooks run around it as around any other
 * test, once, not around each try.
 */
export function property<Values extends [unknown, ...unknown[]]>(
  arbitraries: { readonly [At in keyof Values]: fc.Arbitrary<Values[At]> },
  parameters: fc.Parameters<Values> = {},
): (name: string, check: Check<Values>, timeoutMs?: number) => void {
  const seed = parameters.seed ?? fc.readConfigureGlobal().seed
  return (name, check, timeoutMs) => {
    test(
      `${name} (with seed=${seed})`,
      () =>
        fc.assert(
          fc.asyncProperty<Values>(...arbitraries, async (...values) => {
            // Only `false` contradicts; whatever else a check answers is no verdict.
            if ((await check(...values)) === false) return false
          }),
          parameters,
        ),
      timeoutMs,
    )
  }
}
