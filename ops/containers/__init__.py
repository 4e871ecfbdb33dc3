"""The platform in containers: the commands of ./start.sh on Docker Compose, and their test ring."""
