/** Moves and scales a drawing within its box: by hand, and so that what matters is in sight. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Box } from '../model/chart.ts'

export type Placement = { readonly x: number; readonly y: number; readonly scale: number }

const SCALE_MIN = 0.15
const SCALE_MAX = 3
/** Words can still be read; smaller than that, what is active is shown instead of all. */
const LEGIBLE = 0.78
const MARGIN = 24

export function usePanZoom(
  key: string,
  size: { readonly width: number; readonly height: number },
  focus: Box,
) {
  const box = useRef<HTMLDivElement>(null)
  const [placement, setPlacement] = useState<Placement>({ x: 0, y: 0, scale: 1 })
  const [room, setRoom] = useState({ width: 0, height: 0 })
  const drag = useRef<{ x: number; y: number } | null>(null)

  const fitScale = Math.min(
    (room.width - 2 * MARGIN) / Math.max(1, size.width),
    (room.height - 2 * MARGIN) / Math.max(1, size.height),
  )
  const centre = (on: Box, scale: number) =>
    setPlacement({
      scale,
      x: placed(room.width, size.width * scale, (on.x + on.width / 2) * scale),
      y: placed(room.height, size.height * scale, (on.y + on.height / 2) * scale),
    })
  const whole: Box = { x: 0, y: 0, ...size }
  const fit = () => centre(whole, Math.max(SCALE_MIN, Math.min(1.15, fitScale)))

  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = () => setRoom({ width: element.clientWidth, height: element.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(() => {
    if (room.width === 0) return
    if (fitScale >= LEGIBLE) fit()
    else centre(focus, LEGIBLE)
  }, [key, room.width, room.height])
  useEffect(() => {
    if (room.width > 0 && !isIn(focus, placement, room)) centre(focus, placement.scale)
  }, [focus.x, focus.y, focus.width, focus.height])

  const zoom = (
    factor: number,
    at: { readonly x: number; readonly y: number } = { x: room.width / 2, y: room.height / 2 },
  ) => {
    setPlacement(({ x, y, scale }) => {
      const next = Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale * factor))
      return {
        scale: next,
        x: at.x - ((at.x - x) * next) / scale,
        y: at.y - ((at.y - y) * next) / scale,
      }
    })
  }
  const handlers = {
    onWheel: (event: WheelEvent) => {
      event.preventDefault()
      const bounds = box.current?.getBoundingClientRect()
      if (bounds === undefined) return
      zoom(Math.exp(-event.deltaY / 400), {
        x: event.clientX - bounds.left,
        y: event.clientY - bounds.top,
      })
    },
    onPointerDown: (event: PointerEvent) => {
      drag.current = { x: event.clientX, y: event.clientY }
    },
    onPointerMove: (event: PointerEvent) => {
      const from = drag.current
      if (from === null || event.buttons !== 1) return
      drag.current = { x: event.clientX, y: event.clientY }
      const [byX, byY] = [event.clientX - from.x, event.clientY - from.y]
      setPlacement(({ x, y, scale }) => ({ x: x + byX, y: y + byY, scale }))
    },
    onPointerUp: () => {
      drag.current = null
    },
  }
  return { box, placement, fit, zoom, handlers }
}

/** So that `middle` is in the middle of the room, but without leaving room at a side where there is more to see. */
function placed(room: number, length: number, middle: number): number {
  if (length + 2 * MARGIN <= room) return (room - length) / 2
  return Math.min(MARGIN, Math.max(room - length - MARGIN, room / 2 - middle))
}

function isIn(
  focus: Box,
  { x, y, scale }: Placement,
  room: { width: number; height: number },
): boolean {
  const [left, top] = [focus.x * scale + x, focus.y * scale + y]
  const [right, bottom] = [left + focus.width * scale, top + focus.height * scale]
  return left >= 0 && top >= 0 && right <= room.width && bottom <= room.height
}
