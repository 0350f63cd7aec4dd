/** A machine as an SVG picture, which needs nothing from elsewhere. What stands in it is text, and is escaped. */
import type { Drawing } from './client-protocol.ts'
import type { MachineNode } from './protocol.ts'

const MARGIN = 16
const LINE_HEIGHT = 14
const STYLE = `
  .state { fill: #fff; stroke: #4a5568; }
  .outer { fill: #f7fafc; }
  .final { stroke-width: 3; }
  .region { stroke-dasharray: 6 4; }
  .invoke { fill: #e2e8f0; stroke: #a0aec0; }
  .edge { fill: none; stroke: #718096; }
  .tip, .dot { fill: #4a5568; }
  text { font: 12px system-ui, sans-serif; fill: #1a202c; }
  .label { font-size: 11px; fill: #4a5568; }
  @media (prefers-color-scheme: dark) {
    .state { fill: #2d3748; stroke: #a0aec0; }
    .outer { fill: #1a202c; }
    .invoke { fill: #4a5568; stroke: #718096; }
    .edge { stroke: #a0aec0; }
    .tip, .dot { fill: #cbd5e0; }
    text { fill: #edf2f7; }
    .label { fill: #cbd5e0; }
  }
`

export function drawSvg(root: MachineNode, drawing: Drawing): string {
  const nodes = nodesOf(root)
  const nodeById = new Map(nodes.map((node) => [node.id, node]))
  const parallel = nodes.filter(({ type }) => type === 'parallel')
  const regions = new Set(parallel.flatMap(({ states }) => states.map(({ id }) => id)))
  const { width, height } = drawing
  const viewBox = [-MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox.join(' ')}" role="img">`,
    `<title>${escape(root.key)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
    '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
    ...drawing.states.map((state) => stateOf(state, nodeById.get(state.id), regions.has(state.id))),
    ...drawing.initials.flatMap(({ points }) => [dotAt(points), path(points)]),
    ...drawing.edges.map(({ points }) => path(points)),
    ...drawing.edges.flatMap(({ label }) => (label === undefined ? [] : labelOf(label))),
    '</svg>',
    '',
  ].join('\n')
}

type Points = Drawing['initials'][number]['points']

function stateOf(
  state: Drawing['states'][number],
  node: MachineNode | undefined,
  isRegion: boolean,
): string {
  const { x, y, width, height, header } = state
  const isOuter = (node?.states.length ?? 0) > 0
  const classes = [
    'state',
    ...(isOuter ? ['outer'] : []),
    ...(isRegion ? ['region'] : []),
    ...(node?.type === 'final' ? ['final'] : []),
  ]
  const box = `x="${x}" y="${y}" width="${width}" height="${height}" rx="6"`
  const name = node === undefined || node.key === '' ? state.id : node.key
  const at = `x="${x + width / 2}" y="${y + header / 2 + 4}" text-anchor="middle"`
  const shape = `<rect class="${classes.join(' ')}" ${box}/><text ${at}>${escape(name)}</text>`
  return [shape, ...state.invokes.map(invokeOf)].join('')
}

function invokeOf({ x, y, width, height, text }: Drawing['states'][number]['invokes'][number]) {
  const box = `x="${x}" y="${y}" width="${width}" height="${height}" rx="9"`
  const at = `x="${x + width / 2}" y="${y + 13}" text-anchor="middle"`
  return `<rect class="invoke" ${box}/><text class="label" ${at}>⚙ ${escape(text)}</text>`
}

function labelOf({ lines, x, y, width }: NonNullable<Drawing['edges'][number]['label']>): string[] {
  return lines.map((line, at) => {
    const place = `x="${x + width / 2}" y="${y + (at + 1) * LINE_HEIGHT - 3}"`
    return `<text class="label" ${place} text-anchor="middle">${escape(line)}</text>`
  })
}

function dotAt(points: Points): string {
  const [start] = points
  return start === undefined ? '' : `<circle class="dot" cx="${start.x}" cy="${start.y}" r="4"/>`
}

function path(points: Points): string {
  const d = points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('')
  return `<path class="edge" d="${d}" marker-end="url(#tip)"/>`
}

function nodesOf(node: MachineNode): readonly MachineNode[] {
  return [node, ...node.states.flatMap(nodesOf)]
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
