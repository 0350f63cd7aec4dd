/** A machine as a tree of its states, with what leads where beneath each: for a terminal. */
import type { MachineNode } from './protocol.ts'
import { transitionLabel } from './transition-label.ts'

export function drawAscii(root: MachineNode): string {
  const lines = [heading(root, false)]
  body(root, '', lines)
  return lines.join('\n')
}

function body(node: MachineNode, indent: string, lines: string[]): void {
  const bar = node.states.length > 0 ? '│ ' : '  '
  for (const { id, src } of node.invoke) lines.push(`${indent}${bar}runs ${src} as ${id}`)
  for (const transition of node.transitions) {
    const targets = transition.targets.map((target) => shortOf(target))
    const where = targets.length === 0 ? '(stays)' : `► ${targets.join(', ')}`
    lines.push(`${indent}${bar}${transitionLabel(transition)} ${where}`)
  }
  for (const [at, child] of node.states.entries()) {
    const isLast = at === node.states.length - 1
    lines.push(
      `${indent}${isLast ? '└─' : '├─'} ${heading(child, node.initial.includes(child.id))}`,
    )
    body(child, `${indent}${isLast ? '   ' : '│  '}`, lines)
  }
}

function heading(node: MachineNode, isInitial: boolean): string {
  const kind = ['parallel', 'final', 'history'].includes(node.type) ? [node.type] : []
  const words = [...kind, ...(isInitial ? ['initial'] : [])]
  return words.length === 0 ? node.key : `${node.key} (${words.join(', ')})`
}

/** Without the name of the machine. */
function shortOf(id: string): string {
  return id.includes('.') ? id.slice(id.indexOf('.') + 1) : id
}
