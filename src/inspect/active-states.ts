/** Which states of a machine a snapshot's value names. Pure, and without imports that run: the page uses it, too. */
import type { MachineNode, ShownSnapshot } from './protocol.ts'

/** Ids of all active states, outer ones first, the root included. */
export function activeStates(root: MachineNode, value: ShownSnapshot['value']): readonly string[] {
  const found: string[] = []
  collect(root, value, found)
  return found
}

function collect(node: MachineNode, value: ShownSnapshot['value'], into: string[]): void {
  into.push(node.id)
  if (typeof value === 'string') {
    const child = node.states.find(({ key }) => key === value)
    if (child !== undefined) into.push(child.id)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const child = node.states.find((one) => one.key === key)
    if (child !== undefined) collect(child, inner, into)
  }
}
