/** Steps through time: over the messages that are listed, or over the transitions of the chosen actor. */
import type { Inspector } from './inspector.ts'
import { lowerBound } from './model/search.ts'

export type Step = 'first' | 'back' | 'on' | 'backStep' | 'onStep'

export function stepTo(inspector: Inspector, step: Step): void {
  const { now, history } = inspector
  if (step === 'first') return inspector.goTo(history.start)
  const isWithin = step === 'backStep' || step === 'onStep'
  const steps = history.actor(inspector.view.actor)?.steps ?? []
  const places = isWithin ? steps.map(({ at }) => at) : inspector.rows
  const isBack = step === 'back' || step === 'backStep'
  const index = isBack
    ? lowerBound(places, (at) => at < now) - 1
    : lowerBound(places, (at) => at <= now)
  const place = places[index]
  if (place !== undefined) inspector.goTo(place)
}
