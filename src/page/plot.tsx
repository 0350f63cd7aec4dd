/** A figure over time, small. */

const WIDTH = 200
const HEIGHT = 36

export type PlotProps = {
  readonly name: string
  readonly values: readonly number[]
  readonly show: (value: number) => string
}

export function Plot({ name, values, show }: PlotProps) {
  const most = Math.max(...values, 0)
  const last = values.at(-1) ?? 0
  const line = pathOf(values, most)
  return (
    <figure class="plot">
      <figcaption>
        <span>{name}</span>
        <b>{show(last)}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name}: ${show(last)}, at most ${show(most)}`}
      >
        <path class="area" d={`${line}V${HEIGHT}H0z`} />
        <path class="curve" d={line} />
      </svg>
      <span class="faint">at most {show(most)}</span>
    </figure>
  )
}

function pathOf(values: readonly number[], most: number): string {
  if (values.length === 0) return `M0 ${HEIGHT}H${WIDTH}`
  const step = WIDTH / Math.max(1, values.length - 1)
  const points = values.map((value, at) => {
    const y = HEIGHT - 2 - (most === 0 ? 0 : (value / most) * (HEIGHT - 6))
    return `${(at * step).toFixed(1)} ${y.toFixed(1)}`
  })
  return `M${points.join('L')}${values.length === 1 ? `H${WIDTH}` : ''}`
}
