/** A list of which only what is seen stands in the document, so that 50,000 rows cost what 40 do. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

const OVERSCAN = 8

/** Pixels from the left of the rows. */
export type Sight = { readonly left: number; readonly right: number }

export type VirtualListProps = {
  readonly count: number
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  /** Kept in sight when it changes; -1 for none. */
  readonly focus: number
  /** Stays at the end as rows come. */
  readonly follows: boolean
  /** A person scrolled back while it followed. */
  readonly onLeave?: () => void
  readonly label: string
  readonly role?: 'listbox' | 'tree' | 'table'
  readonly class?: string
  readonly width?: number
  /** Kept in sight when it changes, as `focus` is. */
  readonly sight?: Sight | undefined
  readonly head?: ComponentChildren
  readonly active?: string | undefined
  readonly onKeyDown?: (event: KeyboardEvent) => void
}

export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, focus, follows } = props
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)

  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    setHeight(element.clientHeight)
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && follows) element.scrollTop = count * rowHeight
  }, [count, follows, height])
  useLayoutEffect(() => {
    const element = box.current
    if (element === null || follows || focus < 0) return
    const head = element.scrollHeight - count * rowHeight
    const [from, to] = [focus * rowHeight, (focus + 1) * rowHeight + head]
    if (from < element.scrollTop) element.scrollTop = Math.max(0, from - rowHeight * 2)
    else if (to > element.scrollTop + element.clientHeight) {
      element.scrollTop = to - element.clientHeight + rowHeight * 2
    }
  }, [focus, follows])

  const { left = 0, right = 0 } = props.sight ?? {}
  useLayoutEffect(() => {
    const element = box.current
    if (element === null || right === 0) return
    if (right > element.scrollLeft + element.clientWidth) {
      element.scrollLeft = Math.min(left, right - element.clientWidth)
    }
    if (left < element.scrollLeft) element.scrollLeft = left
  }, [left, right])

  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN)
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN)
  const rows: ComponentChildren[] = []
  for (let index = first; index < last; index += 1) rows.push(props.row(index))
  return (
    <div
      ref={box}
      class={`scroll ${props.class ?? ''}`}
      role={props.role ?? 'listbox'}
      aria-label={props.label}
      aria-activedescendant={props.active}
      tabIndex={0}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      onWheel={({ deltaY }) => (follows && deltaY < 0 ? props.onLeave?.() : undefined)}
      onKeyDown={(event) => props.onKeyDown?.(event)}
    >
      {props.head}
      <div
        class="rows"
        role="presentation"
        style={{ height: `${count * rowHeight}px`, minWidth: `${props.width ?? 0}px` }}
      >
        <div
          class="window"
          role="presentation"
          style={{ transform: `translateY(${first * rowHeight}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  )
}
