/** A gull's wings. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      <path d="M1 8c5-2 8 1 11 6 3-5 6-8 11-6-5 .5-8 4-11 10C9 12 6 8.500 1 8z" />
    </svg>
  )
}
