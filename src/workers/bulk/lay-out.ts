/** Gives the nodes and edges of one graph their places; stateless and CPU-bound, so that a pool can take it. */
import Elk, { type ElkNode } from 'elkjs/lib/elk.bundled.js'

const elk = new Elk.default()

/** @throws what elkjs finds wrong with the graph */
export default function layOut(graph: ElkNode): Promise<ElkNode> {
  return elk.layout(graph)
}
