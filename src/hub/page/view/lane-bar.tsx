/** How far a mission is, as a bar. */
import { counted } from '../../../page/text.ts'
import type { Summary } from '../model/types.ts'
import { LANE_NAMES } from '../model/words.ts'

export function LaneBar({ summary }: { readonly summary: Summary }) {
  const lanes = LANE_NAMES.map(([lane, name]) => ({ lane, name, size: summary[lane] ?? 0 }))
  const all = lanes.reduce((sum, { size }) => sum + size, 0)
  const done = (summary['done'] ?? 0) + (summary['approved'] ?? 0)
  let at = 0
  return (
    <span
      class="lane-bar"
      role="img"
      aria-label={`${done} of ${counted(all, 'work package')} done`}
    >
      <svg viewBox={`0 0 ${Math.max(1, all)} 1`} preserveAspectRatio="none" aria-hidden="true">
        {lanes.toReversed().map(({ lane, name, size }) => {
          const from = at
          at += size
          return size === 0 ? null : (
            <rect key={lane} class={`of-${lane}`} x={from} y="0" width={size} height="1">
              <title>{`${name}: ${size}`}</title>
            </rect>
          )
        })}
      </svg>
      <span class="faint small">
        {done}/{all}
      </span>
    </span>
  )
}
