/** The transitions of a microstep, by the ids of their definition. */
import type { AnyTransitionDefinition } from 'xstate'
import type { Definition } from './definition.ts'
import type { FeedMessage } from './protocol.ts'

type Taken = Extract<FeedMessage, { readonly type: '@xstate.microstep' }>['transitions']

/** Without the one into the initial state, which no configuration writes. `_transitions` is XState's own affair. */
export function taken(
  { idOf }: Definition,
  transitions: readonly AnyTransitionDefinition[] | undefined,
): Taken {
  return (transitions ?? []).flatMap((transition) => {
    const id = idOf(transition)
    if (id === undefined) return []
    const targets = (transition.target ?? []).map((target) => target.id)
    return [{ id, source: transition.source.id, targets, eventType: transition.eventType }]
  })
}
