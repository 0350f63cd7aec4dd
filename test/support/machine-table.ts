import { describe, expect, it } from 'vitest'
import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
  type StateValue,
  transition,
} from 'xstate'

/**
 * Runs a machine's complete transition table through the pure `transition`: every state with every event, so that a
 * new state or event without its row or column does not compile. A cell names the state that comes next, or says
 * `stay`. Delays are events too, by `afterEvent`.
 */
export function checkTable<State extends string, Name extends string>(
  machine: AnyStateMachine,
  options: {
    readonly states: Readonly<Record<State, StateValue>>
    readonly events: Readonly<Record<Name, EventObject>>
    readonly context: unknown
    /** Of the states that need another one. */
    readonly contextByState?: Readonly<Partial<Record<State, unknown>>>
    /** Actors that a state invokes and that its actions speak to. */
    readonly children?: Readonly<Record<string, AnyActorRef>>
    readonly table: Readonly<Record<State, Readonly<Record<Name, NoInfer<State> | 'stay'>>>>
  },
): void {
  describe(`${machine.id}: the complete table`, () => {
    for (const state of Object.keys(options.states) as State[]) {
      for (const name of Object.keys(options.events) as Name[]) {
        const expected: State | 'stay' = options.table[state][name]
        it(`${state} + ${name} ► ${expected}`, () => {
          const value = options.states[state]
          const context = options.contextByState?.[state] ?? options.context
          const before = machine.resolveState({ value, context })
          Object.assign(before.children, options.children)
          const [after] = transition(machine, before as never, options.events[name])
          const target: State = expected === 'stay' ? state : expected
          expect((after as AnyMachineSnapshot).value).toEqual(options.states[target])
        })
      }
    }
  })
}

/** The event by which the clock reports a named delay of the state at that path. */
export function afterEvent(delay: string, path: string): EventObject {
  return { type: `xstate.after.${delay}.${path}` }
}
