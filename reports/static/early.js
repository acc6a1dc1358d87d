document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("labeler-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* no storage: the system's theme */ }
