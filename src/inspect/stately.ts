/** The messages that other tools read, in the form of Stately's inspector; null for what it has no word for. */
import type { FeedMessage, MachineNode } from './protocol.ts'

const VERSION = '0.7.2'

export class StatelyForm {
  readonly #machineByHash = new Map<string, MachineNode>()

  form(message: FeedMessage): object | null {
    if (message.type === 'kittiwake.machine') {
      this.#machineByHash.set(message.hash, message.root)
      return null
    }
    if (!('sessionId' in message) || !('rootId' in message)) return null
    const { type, sessionId, rootId, createdAt } = message
    const common = { type, sessionId, rootId, createdAt, id: null, _version: VERSION }
    switch (type) {
      case '@xstate.actor': {
        const { name, parentId, machine, snapshot } = message
        const root = machine === null ? undefined : this.#machineByHash.get(machine)
        const definition = root === undefined ? {} : { definition: JSON.stringify(configOf(root)) }
        const parent = parentId === null ? {} : { parentId }
        return { ...common, name, ...parent, ...definition, snapshot: fill(snapshot) }
      }
      case '@xstate.event': {
        const { sourceId, event } = message
        return { ...common, ...(sourceId === null ? {} : { sourceId }), event }
      }
      case '@xstate.snapshot':
        return { ...common, event: message.event, snapshot: fill(message.snapshot) }
      default:
        return null
    }
  }
}

function fill(snapshot: object): object {
  return { context: {}, children: {}, tags: [], ...snapshot }
}

/** A machine's configuration, as `createMachine` would take it, but for its code. */
function configOf(node: MachineNode): object {
  const on: Record<string, object[]> = {}
  const after: Record<string, object[]> = {}
  const always: object[] = []
  for (const { kind, event, delay, targets, guard, actions, reenter } of node.transitions) {
    const form = {
      ...(targets.length === 0 ? {} : { target: targets.map((target) => `#${target}`) }),
      ...(guard === undefined ? {} : { guard }),
      ...(actions.length === 0 ? {} : { actions }),
      ...(reenter ? { reenter } : {}),
    }
    if (kind === 'always') always.push(form)
    else if (kind === 'after') (after[String(delay)] ??= []).push(form)
    else (on[event] ??= []).push(form)
  }
  const [initial] = node.initial
  const states = Object.fromEntries(node.states.map((state) => [state.key, configOf(state)]))
  return {
    id: node.id,
    ...(['parallel', 'final', 'history'].includes(node.type) ? { type: node.type } : {}),
    ...(initial === undefined || node.type === 'history'
      ? {}
      : { initial: initial.slice(node.id.length + 1) }),
    ...(node.entry.length === 0 ? {} : { entry: node.entry }),
    ...(node.exit.length === 0 ? {} : { exit: node.exit }),
    ...(node.invoke.length === 0 ? {} : { invoke: node.invoke }),
    ...(node.tags.length === 0 ? {} : { tags: node.tags }),
    ...(Object.keys(on).length === 0 ? {} : { on }),
    ...(Object.keys(after).length === 0 ? {} : { after }),
    ...(always.length === 0 ? {} : { always }),
    ...(node.states.length === 0 ? {} : { states }),
  }
}
