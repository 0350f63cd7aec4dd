/** A machine as a Mermaid state diagram, for pages that render it. */
import type { MachineNode } from './protocol.ts'
import { transitionLabel } from './transition-label.ts'

export function drawMermaid(root: MachineNode): string {
  const lines = ['stateDiagram-v2']
  states(root, '  ', lines)
  // What the outermost state hears counts in all of them: it has no place in the picture.
  for (const child of root.states) edges(child, lines)
  return `${lines.join('\n')}\n`
}

function states(node: MachineNode, indent: string, lines: string[]): void {
  for (const [at, child] of node.states.entries()) {
    if (node.type === 'parallel' && at > 0) lines.push(`${indent}--`)
    const isCompound = child.states.length > 0
    lines.push(`${indent}state "${child.key}" as ${idOf(child.id)}${isCompound ? ' {' : ''}`)
    if (isCompound) {
      states(child, `${indent}  `, lines)
      lines.push(`${indent}}`)
    }
    if (child.type === 'final') lines.push(`${indent}${idOf(child.id)} --> [*]`)
    // A note, since a state that holds others has no room for words of its own.
    for (const { id, src } of child.invoke) {
      lines.push(`${indent}note right of ${idOf(child.id)} : runs ${src} as ${id}`)
    }
  }
  for (const target of node.initial) lines.push(`${indent}[*] --> ${idOf(target)}`)
}

function edges(node: MachineNode, lines: string[]): void {
  for (const transition of node.transitions) {
    for (const target of transition.targets) {
      lines.push(`  ${idOf(node.id)} --> ${idOf(target)} : ${transitionLabel(transition)}`)
    }
  }
  for (const child of node.states) edges(child, lines)
}

function idOf(id: string): string {
  return id.replace(/[^A-Za-z0-9]/g, '_')
}
